"""The worst minute of a trading day, on purpose: the kill switch, Ctrl-C and the venue's rules put to the proof."""
