"""Who may call whom: AuthorizationPolicy and RequestAuthentication, decided from what wire and mesh show."""
