"""What an order has to pass before it leaves: the kill switch, the venue's rules, the user's limits, the wash rule."""

from engine.flow.risk.vet import Vet as Vet
from engine.flow.risk.vet import Vetted as Vetted
