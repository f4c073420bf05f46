package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/franzi-kafka/franzi/kgo/sasl"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/quote"
)

// How long a service of AWS may take. Where there is none, nobody may answer at all.
const (
	tokenTimeout = time.Second // for the first question to the metadata of an instance
	timeout      = 5 * time.Second
)

// maxAnswer is the largest answer that is read, in bytes; real ones have a few thousand.
const maxAnswer = 1 << 20

// WebIdentity exchanges a token of somebody else for credentials of a role, as programs in EKS do
// with IAM roles for service accounts. The environment variables AWS_WEB_IDENTITY_TOKEN_FILE,
// AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_REGION and AWS_ENDPOINT_URL_STS say what and where.
func WebIdentity() CredentialsFunc {
	return func(ctx context.Context) (Credentials, error) {
		path, role := os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), os.Getenv("AWS_ROLE_ARN")
		if path == "" || role == "" {
			return Credentials{}, notHere("AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not in the environment")
		}
		token, err := readToken(path)
		if err != nil {
			return Credentials{}, err
		}
		session := os.Getenv("AWS_ROLE_SESSION_NAME")
		if session == "" {
			session = "franzi"
		}
		form := url.Values{
			"Action":           {"AssumeRoleWithWebIdentity"},
			"Version":          {"2011-06-15"},
			"RoleArn":          {role},
			"RoleSessionName":  {session},
			"WebIdentityToken": {token},
		}
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		body, err := ask(ctx, http.ProxyFromEnvironment, http.MethodPost, stsURL(), header, form.Encode(), timeout, token)
		if err != nil {
			return Credentials{}, err
		}
		var answer struct {
			Key     string    `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
			Secret  string    `xml:"AssumeRoleWithWebIdentityResult>Credentials>SecretAccessKey"`
			Token   string    `xml:"AssumeRoleWithWebIdentityResult>Credentials>SessionToken"`
			Expires time.Time `xml:"AssumeRoleWithWebIdentityResult>Credentials>Expiration"`
		}
		if err := xml.Unmarshal(body, &answer); err != nil || answer.Key == "" || answer.Secret == "" {
			return Credentials{}, fmt.Errorf("the answer of %s has no credentials", stsURL())
		}
		return temporary(answer.Key, answer.Secret, answer.Token, answer.Expires), nil
	}
}

// stsURL is the address of the service that gives credentials of roles, in the region at hand.
func stsURL() string {
	if u := os.Getenv("AWS_ENDPOINT_URL_STS"); u != "" {
		return u
	}
	region := os.Getenv("AWS_REGION")
	if region == "" {
		region = os.Getenv("AWS_DEFAULT_REGION")
	}
	switch {
	case !isRegion(region):
		return "https://sts.amazonaws.com/"
	case strings.HasPrefix(region, "cn-"):
		return "https://sts." + region + ".amazonaws.com.cn/"
	}
	return "https://sts." + region + ".amazonaws.com/"
}

// Container takes credentials from the service that containers have beside them, in ECS and with
// EKS Pod Identity. The environment variables AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or
// AWS_CONTAINER_CREDENTIALS_FULL_URI say where, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or
// AWS_CONTAINER_AUTHORIZATION_TOKEN who asks.
func Container() CredentialsFunc {
	return func(ctx context.Context) (Credentials, error) {
		address := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
		if path := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
			address = "http://169.254.170.2" + path
		}
		if address == "" {
			return Credentials{}, notHere("no AWS_CONTAINER_CREDENTIALS_... is in the environment")
		}
		if err := checkContainer(address); err != nil {
			return Credentials{}, err
		}
		token := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if path := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
			var err error
			if token, err = readToken(path); err != nil {
				return Credentials{}, err
			}
		}
		header := http.Header{}
		if token != "" {
			header.Set("Authorization", token)
		}
		body, err := ask(ctx, nil, http.MethodGet, address, header, "", timeout, token)
		if err != nil {
			return Credentials{}, err
		}
		return parseCredentials(body)
	}
}

// checkContainer refuses addresses outside of the machine that are not protected, as the SDKs do.
func checkContainer(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("AWS_CONTAINER_CREDENTIALS_... in the environment is no address")
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	switch {
	case u.Scheme == "https", ip.IsLoopback(), u.Hostname() == "localhost":
		return nil
	case ip == netip.AddrFrom4([4]byte{169, 254, 170, 2}), // ECS
		ip == netip.AddrFrom4([4]byte{169, 254, 170, 23}), ip == netip.MustParseAddr("fd00:ec2::23"): // EKS
		return nil
	}
	return fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI must be https or on this machine, not at %s", u.Host)
}

// Instance takes the credentials of the role that an EC2 instance has, from its metadata service,
// version 2. The environment variable AWS_EC2_METADATA_DISABLED turns it off, and
// AWS_EC2_METADATA_SERVICE_ENDPOINT names another address. Where there is no such service, it takes
// a second to find out.
func Instance() CredentialsFunc {
	return func(ctx context.Context) (Credentials, error) {
		if strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
			return Credentials{}, notHere("AWS_EC2_METADATA_DISABLED turns the metadata of the instance off")
		}
		base := strings.TrimSuffix(os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "/")
		if base == "" {
			base = "http://169.254.169.254"
		}
		header := http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"60"}}
		token, err := ask(ctx, nil, http.MethodPut, base+"/latest/api/token", header, "", tokenTimeout)
		var unreached *net.OpError
		switch {
		case ctx.Err() != nil:
			return Credentials{}, err
		case errors.As(err, &unreached), errors.Is(err, errSilence):
			return Credentials{}, notHere("no metadata service of an EC2 instance: %v", err)
		case err != nil:
			return Credentials{}, err
		}
		header = http.Header{"X-Aws-Ec2-Metadata-Token": {string(token)}}
		address := base + "/latest/meta-data/iam/security-credentials/"
		role, err := ask(ctx, nil, http.MethodGet, address, header, "", timeout, string(token))
		if err != nil {
			return Credentials{}, err
		}
		name, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
		body, err := ask(ctx, nil, http.MethodGet, address+url.PathEscape(name), header, "", timeout, string(token))
		if err != nil {
			return Credentials{}, err
		}
		return parseCredentials(body)
	}
}

// parseCredentials reads the JSON of containers and instances.
func parseCredentials(body []byte) (Credentials, error) {
	var answer struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      time.Time
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessKeyID == "" || answer.SecretAccessKey == "" {
		return Credentials{}, errors.New("the answer of the AWS service has no credentials")
	}
	return temporary(answer.AccessKeyID, answer.SecretAccessKey, answer.Token, answer.Expiration), nil
}

func temporary(id, secret, token string, expires time.Time) Credentials {
	return Credentials{
		AccessKeyID:     id,
		SecretAccessKey: sasl.NewSecret(secret),
		SessionToken:    sasl.NewSecret(token),
		Expires:         expires,
	}
}

func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

var errSilence = errors.New("no answer in time")

// ask does one HTTP request over a connection of its own, and returns the body of a good answer.
// Redirects are not followed.
func ask(ctx context.Context, proxy func(*http.Request) (*url.URL, error), method, address string, header http.Header, body string, limit time.Duration, secrets ...string) ([]byte, error) {
	limited, cancel := context.WithTimeoutCause(ctx, limit, errSilence)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("an address of AWS in the environment cannot be read")
	}
	req.Header = header
	client := http.Client{
		Transport:     &http.Transport{Proxy: proxy, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		var answer []byte
		answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err == nil {
			if resp.StatusCode == http.StatusOK {
				return answer, nil
			}
			return nil, fmt.Errorf("%s answers with HTTP status %d: %s", req.URL.Host, resp.StatusCode, quote.Text(string(answer), secrets...))
		}
	}
	var whole *url.Error
	if errors.As(err, &whole) { // it shows all of the URL
		err = whole.Err
	}
	if cause := context.Cause(limited); cause != nil {
		err = cause
	}
	return nil, fmt.Errorf("%s cannot be asked: %w", req.URL.Host, err)
}
