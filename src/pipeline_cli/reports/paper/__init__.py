"""A report on paper and in mails: PDF and PNG, drawn as SVG without a browser."""
