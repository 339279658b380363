"""What the handlers of the experiments' API call: a call and its errors, the model, settings, users who keep a variant."""
