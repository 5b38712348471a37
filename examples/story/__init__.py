"""The story behind `examples/intrusion`, as code: nothing in it was recorded, all of it is made up."""
