"""What a number of devices needs: measured slopes and the arithmetic on them."""

from millwright.app.capacity.figures import Figure, figures
from millwright.app.capacity.plan import Demand, Part, Plan, limits, plan

__all__ = ["Demand", "Figure", "Part", "Plan", "figures", "limits", "plan"]
