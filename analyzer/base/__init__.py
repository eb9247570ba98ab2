"""The nouns that every room uses: errors, places, oddities, tables, streams, kernels."""
