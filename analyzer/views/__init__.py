"""What a person looks at, free of any toolkit."""
