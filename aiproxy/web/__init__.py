"""HTTP: routes, who may use them, and how an answer looks."""
