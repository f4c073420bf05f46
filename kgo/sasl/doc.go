// Package sasl has the mechanisms by which a client proves to a broker who it is: [Plain],
// [ScramSHA256], [ScramSHA512], [OAuthBearer]. Package oauth gets the tokens of the last from an
// identity provider, package aws has AWS_MSK_IAM. One of a user's own implements [Mechanism].
//
// A mechanism is a literal that says where its credentials come from:
//
//	mechanism := &sasl.ScramSHA512{Credentials: sasl.Password("alice", password)}
//
// Credentials are asked for whenever a connection authenticates, so that a function of one's own
// in that place can bring passwords that change. A mechanism may serve many clients at once; it is
// not to be changed or copied once it is used.
//
// # What happens on a connection
//
// The client names the mechanism in SaslHandshake, and there is no falling back to another one.
// Then it calls [Mechanism.Start], carries what [Session.Step] returns to the broker and the
// answers back, until the session is done. With SaslHandshake version 1 messages travel in
// SaslAuthenticate requests (KIP-152), before that as frames of their own. Before the broker's
// session ends, all of this happens again on the same connection (KIP-368).
//
// Mechanisms do not touch the network: the client carries their messages. Only Start may block,
// for credentials.
//
// # What is kept secret
//
// Passwords, tokens and keys are a [Secret], or hidden in a function. They show in no error of
// this package, and whatever holds them can be printed with every verb of package fmt, as JSON and
// by log/slog. Text of a broker or of an identity provider is quoted in errors only as far as it
// does not repeat a secret.
//
// Plain and OAuthBearer send a secret as it is, so they refuse to begin without TLS unless they
// are told otherwise: see [ErrTLSRequired]. Brokers are not trusted either: nothing that one says
// makes a mechanism work for longer than about a second, or allocate more than a little.
//
// # Other mechanisms
//
// GSSAPI (Kerberos) is not here, since it needs a library of its own. A module outside can bring
// it: Start gets a ticket for the service kafka at the host of [Endpoint.Addr] and returns a
// session whose steps hand the tokens of the security context on. Its last step answers the
// broker's offer of security layers (RFC 4752) with none, as TLS is what protects connections
// here, and the step after that, for which the broker sends nothing, is done. The example of
// [Mechanism] has the outline.
package sasl
