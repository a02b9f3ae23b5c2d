"""From records to rows, boards, ranks and histories; the derived index."""
