"""Figures: folding deltas, drawing sheets, and answering with counts, exact rates and the cases behind them."""
