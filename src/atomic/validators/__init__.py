"""Validators: what looks at an answer besides its type. A hand each, with its library; imported when used."""
