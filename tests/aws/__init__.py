"""AWS without an account: the real provider judges what is registered; then it works against an emulator."""
