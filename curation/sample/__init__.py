"""A simulated music assistant: its tools, its traffic and its teacher. It shows the product without a key."""
