"""What the handlers of the experiments' API call: a call and its errors, its model, settings, users and event."""
