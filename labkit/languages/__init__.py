"""The workshop in other languages: notebooks from their English text and a catalogue of prose."""
