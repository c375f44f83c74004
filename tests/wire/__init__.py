"""An outsider's view of the whole: what is asked, played and expected, in tables."""
