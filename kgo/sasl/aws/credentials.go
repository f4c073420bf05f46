package aws

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
)

// Credentials are AWS credentials.
type Credentials struct {
	// AccessKeyID names the key. It is not secret: brokers see it.
	AccessKeyID string
	// SecretAccessKey is what is signed with, and never sent.
	SecretAccessKey sasl.Secret
	// SessionToken belongs to temporary credentials, which all but those of IAM users are, and
	// is sent to brokers.
	SessionToken sasl.Secret
	// Expires is when temporary credentials end. The zero time means never or not known: then
	// the function that returned them is asked for each connection.
	Expires time.Time
}

// A CredentialsFunc returns AWS credentials. It must be safe for concurrent use, and may block
// until ctx ends. Its error is wrapped by that of [MSKIAM.Start].
type CredentialsFunc func(ctx context.Context) (Credentials, error)

// errNotHere says that credentials are not set up in a place, so that the next one may have them.
var errNotHere = errors.New("not set up")

func notHere(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errNotHere}, args...)...)
}

// Static returns credentials that never change. The session token is empty for the key of an IAM
// user.
func Static(accessKeyID, secretAccessKey, sessionToken string) CredentialsFunc {
	c := Credentials{
		AccessKeyID:     accessKeyID,
		SecretAccessKey: sasl.NewSecret(secretAccessKey),
		SessionToken:    sasl.NewSecret(sessionToken),
	}
	return func(context.Context) (Credentials, error) { return c, nil }
}

// Default looks for credentials where the AWS SDKs do, in the order of the one for Java:
// [Environment], [WebIdentity], [Profile], [Container], [Instance]. A place where credentials are set up but
// cannot be had is an error; the places after it are not asked then.
func Default() CredentialsFunc {
	return First(Environment(), WebIdentity(), Profile(""), Container(), Instance())
}

// First asks one after the other, and returns what the first says for which credentials are set
// up. Functions of one's own always count as set up.
func First(sources ...CredentialsFunc) CredentialsFunc {
	return func(ctx context.Context) (Credentials, error) {
		var all []error
		for _, source := range sources {
			c, err := source(ctx)
			if err == nil || !errors.Is(err, errNotHere) {
				return c, err
			}
			all = append(all, err)
		}
		return Credentials{}, fmt.Errorf("there are none:\n%w", errors.Join(all...))
	}
}

// Environment takes credentials from the environment variables AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
func Environment() CredentialsFunc {
	return func(ctx context.Context) (Credentials, error) {
		id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
		switch {
		case id == "" && secret == "":
			return Credentials{}, notHere("AWS_ACCESS_KEY_ID is not in the environment")
		case id == "" || secret == "":
			return Credentials{}, errors.New("one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is in the environment without the other")
		}
		return Static(id, secret, os.Getenv("AWS_SESSION_TOKEN"))(ctx)
	}
}

// Profile takes credentials from the file that the AWS command line writes, ~/.aws/credentials or
// what the environment variable AWS_SHARED_CREDENTIALS_FILE names, read each time. An empty name
// means the profile that AWS_PROFILE names, or else default. Only profiles with a key are read:
// those that point to a role, to single sign-on or to another program need an AWS SDK.
func Profile(name string) CredentialsFunc {
	return func(context.Context) (Credentials, error) {
		profile := name
		if profile == "" {
			profile = os.Getenv("AWS_PROFILE")
		}
		asked := profile != ""
		if !asked {
			profile = "default"
		}
		path := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
		if path == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return Credentials{}, notHere("no home directory: %v", err)
			}
			path = filepath.Join(home, ".aws", "credentials")
		}
		c, err := readProfile(path, profile)
		if asked && errors.Is(err, errNotHere) {
			err = errors.New(err.Error()) // who names a profile wants that one
		}
		return c, err
	}
}

// readProfile reads one section of an INI file.
func readProfile(path, profile string) (Credentials, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Credentials{}, notHere("there is no file %s", path)
	}
	if err != nil {
		return Credentials{}, err
	}
	defer f.Close()
	values, found := map[string]string{}, false
	lines := bufio.NewScanner(f)
	for inside := false; lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if section, ok := strings.CutPrefix(line, "["); ok {
			section, _, _ = strings.Cut(section, "]")
			inside = strings.TrimSpace(section) == profile
			found = found || inside
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && inside && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			values[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return Credentials{}, fmt.Errorf("%s: %w", path, err)
	}
	id, secret := values["aws_access_key_id"], values["aws_secret_access_key"]
	switch {
	case !found:
		return Credentials{}, notHere("%s has no profile %q", path, profile)
	case id == "" || secret == "":
		return Credentials{}, fmt.Errorf("the profile %q in %s has no key; one that points elsewhere needs an AWS SDK", profile, path)
	}
	return Static(id, secret, values["aws_session_token"])(context.Background())
}
