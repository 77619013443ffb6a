"""Sequences and datasets: building single sequences, and reading what `longctx pack` wrote."""
