"""What flows say, protocol by protocol: pure functions of first bytes, fields in Zeek's words, nothing raised for any bytes."""
