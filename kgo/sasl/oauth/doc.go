// Package oauth gets the tokens of [sasl.OAuthBearer] from an identity provider: by the grant
// client_credentials (KIP-768), with a secret or an assertion (KIP-1258), by the grant jwt-bearer
// (KIP-1139), or from a file:
//
//	mechanism := &sasl.OAuthBearer{Tokens: &oauth.ClientCredentials{
//		Endpoint:    oauth.Endpoint{URL: "https://login.example.com/token", Scope: "kafka"},
//		Credentials: sasl.Password("billing", secret),
//	}}
//
// Sources here get a new token whenever they are asked; that a token is kept and shared as long as
// it is fresh is the mechanism's work. They have no goroutines, and no connection stays open
// between two tokens unless a client of one's own keeps it.
//
// Errors tell what the provider says is wrong, but never show a secret, an assertion or a token.
package oauth
