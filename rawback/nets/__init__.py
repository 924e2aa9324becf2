"""Learned parts: their networks (torch), and how they are found and run (ONNX Runtime or torch)."""
