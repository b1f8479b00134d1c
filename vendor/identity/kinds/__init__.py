"""The kinds of issuer: what each says of its workloads, and what must hold of its tokens. One module a kind."""
