"""Candles of a symbol, made of what the strategies' own streams tell, and our orders and fills on them."""

from engine.web.charts.charts import Charts

__all__ = ["Charts"]
