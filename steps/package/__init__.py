"""Booster, encoder and serving code to one artifact that answers raw rows."""
