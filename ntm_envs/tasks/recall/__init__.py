"""Suite `recall`: key-value recall at every scale, and one-shot learning."""
