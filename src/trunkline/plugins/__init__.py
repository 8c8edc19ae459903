"""What is added to Trunkline piece by piece: dialects, authentication schemes, policies, places of secrets; one file each."""
