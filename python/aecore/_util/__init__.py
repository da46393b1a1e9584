"""What has nothing to do with autoencoders."""
