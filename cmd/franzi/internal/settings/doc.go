// Package settings says how to reach a cluster: where its brokers are, whether to use TLS, how to
// log in. It takes this from the command line, files of properties, profiles and the environment,
// under the names that the Java client and librdkafka have for it, and makes options of kgo of it.
//
// # Which one counts
//
// From the strongest to the weakest:
//
//	flags (-b, --tls, --sasl, ...) and -X key=value; the later one of two
//	--command-config FILE
//	the profile that -p names
//	the environment: FRANZI_SASL_PASSWORD for sasl.password
//	the profile that FRANZI_PROFILE names, or else the default one of the configuration file
//
// Brokers that the command line names leave the profile aside that it does not name: -b
// localhost:9092 does not send the password of a cluster somewhere else.
//
// # Secrets
//
// Each key that is secret can be given in other ways than as it is: with .file it is in a file,
// with .env in an environment variable, with .command it is what a command prints. One line end
// at the end is left out.
package settings
