"""One normal conjunction to what a target takes. Total: every decision was made before."""
