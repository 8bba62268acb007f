"""Documents between platforms: issuing, reading and answering them."""
