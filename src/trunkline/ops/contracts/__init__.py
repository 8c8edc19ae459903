"""The shapes of vendors' APIs as they are used: learned, locked, watched for drift; lifecycle headers, reviews, cassettes, checks."""
