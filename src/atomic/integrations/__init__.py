"""What was written for other programs, carried over: their files in, tables, modules and cases of ours out."""
