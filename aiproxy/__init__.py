"""AI Proxy: Anthropic's Messages API in front of any AI provider."""

__version__ = "1.0.0"
