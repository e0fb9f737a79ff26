"""The real terraform-provider-aws as a judge: of what the mocks collect, and against an emulator of AWS."""
