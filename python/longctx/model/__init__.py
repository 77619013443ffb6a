"""The model that is fine-tuned: found, loaded, held in 4 bits, given adapters. The package itself imports no torch."""
