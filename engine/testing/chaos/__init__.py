"""Trading days on which everything goes wrong, and the verdict on them: engine and exchange must agree to the cent."""
