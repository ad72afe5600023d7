"""`atomic serve`: the market behind HTTP, in the dialects that programs speak already. See docs/serving.md."""
