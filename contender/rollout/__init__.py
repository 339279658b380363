"""From challenger to champion, or back: observe, decide, record, plan, execute."""
