package aws_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/franzi-kafka/franzi/kgo/sasl/aws"
	"github.com/franzi-kafka/franzi/kgo/sasl/internal/needle"
)

// bare takes everything of AWS out of the environment, and puts these variables in. Nobody answers
// for an instance.
func bare(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// plain is what credentials have in them.
type plain struct{ ID, Secret, Token, Expires string }

func reveal(c aws.Credentials) plain {
	p := plain{ID: c.AccessKeyID, Secret: c.SecretAccessKey.Reveal(), Token: c.SessionToken.Reveal()}
	if !c.Expires.IsZero() {
		p.Expires = c.Expires.UTC().Format(time.RFC3339)
	}
	return p
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// check asks for credentials, and compares them or the error.
func check(t *testing.T, f aws.CredentialsFunc, want plain, wantErr string) {
	t.Helper()
	c, err := f(t.Context())
	if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
		t.Fatalf("got the error %v, want %q", err, wantErr)
	}
	if err != nil {
		if needle.In(err.Error(), secretText) {
			t.Errorf("the error shows the secret: %v", err)
		}
		return
	}
	if diff := cmp.Diff(want, reveal(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		variables map[string]string
		want      plain
		err       string
	}{
		"a user": {map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": secretText}, plain{ID: "AKID", Secret: secretText}, ""},
		"a role": {map[string]string{"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": secretText, "AWS_SESSION_TOKEN": "tok"},
			plain{ID: "AKID", Secret: secretText, Token: "tok"}, ""},
		"nothing":   {nil, plain{}, "not set up"},
		"no secret": {map[string]string{"AWS_ACCESS_KEY_ID": "AKID"}, plain{}, "without the other"},
		"no id":     {map[string]string{"AWS_SECRET_ACCESS_KEY": secretText}, plain{}, "without the other"},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t, test.variables)
			check(t, aws.Environment(), test.want, test.err)
		})
	}
}

func TestProfile(t *testing.T) {
	const file = `
# a comment
[default]
aws_access_key_id = AKID0
aws_secret_access_key=` + secretText + `
  region = eu-west-1

[ work ]
; aws_access_key_id = AKID9
AWS_ACCESS_KEY_ID = AKID1
aws_secret_access_key = s=1
aws_session_token = tok==
[role]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = default
aws_secret_access_key = ` + secretText + `
`
	for name, test := range map[string]struct {
		file, profile, variable string
		want                    plain
		err                     string
	}{
		"default":                 {file, "", "", plain{ID: "AKID0", Secret: secretText}, ""},
		"by name":                 {file, "work", "", plain{ID: "AKID1", Secret: "s=1", Token: "tok=="}, ""},
		"by the environment":      {file, "", "work", plain{ID: "AKID1", Secret: "s=1", Token: "tok=="}, ""},
		"the name wins":           {file, "default", "work", plain{ID: "AKID0", Secret: secretText}, ""},
		"one that is elsewhere":   {file, "role", "", plain{}, `the profile "role" in`},
		"one that is not there":   {file, "other", "", plain{}, `has no profile "other"`},
		"no default":              {"[x]\n", "", "", plain{}, "not set up"},
		"a line beyond all sense": {"[default]\n" + strings.Repeat("x", 1<<17), "", "", plain{}, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": write(t, test.file), "AWS_PROFILE": test.variable})
			check(t, aws.Profile(test.profile), test.want, test.err)
		})
	}
	bare(t, nil)
	check(t, aws.Profile(""), plain{}, "not set up: there is no file")
	home := filepath.Join(os.Getenv("HOME"), ".aws")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "credentials"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, aws.Profile(""), plain{ID: "AKID0", Secret: secretText}, "")
}

// The first place where credentials are set up decides, also if they cannot be had there.
func TestDefault(t *testing.T) {
	bare(t, nil)
	check(t, aws.Default(), plain{}, "there are none:\nnot set up: AWS_ACCESS_KEY_ID is not in the environment\n")
	path := write(t, "[default]\naws_access_key_id=AKID0\naws_secret_access_key=s\n")
	bare(t, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": path})
	check(t, aws.Default(), plain{ID: "AKID0", Secret: "s"}, "")
	bare(t, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": path, "AWS_PROFILE": "other"})
	if _, err := aws.Default()(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "not set up: "+path+` has no profile "other"`) {
		t.Errorf("got %v, want that the profile is not there, and nothing of other places", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID1")
	check(t, aws.Default(), plain{}, "without the other")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s1")
	check(t, aws.Default(), plain{ID: "AKID1", Secret: "s1"}, "")

	broken := errors.New("broken")
	own := func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, broken }
	check(t, aws.First(own, aws.Environment()), plain{}, "broken")
}

// A service answers requests by path, and notes them.
type service struct {
	*httptest.Server
	seen []string
}

func serve(t *testing.T, handler func(w http.ResponseWriter, r *http.Request, form url.Values)) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		s.seen = append(s.seen, r.Method+" "+r.URL.Path)
		handler(w, r, form)
	}))
	t.Cleanup(s.Close)
	return s
}

const credentialsJSON = `{"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"tok","Expiration":"2033-05-18T03:33:20Z"}`

var fromService = plain{ID: "ASIA", Secret: "s", Token: "tok", Expires: "2033-05-18T03:33:20Z"}

func TestWebIdentity(t *testing.T) {
	const good = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
 <AssumeRoleWithWebIdentityResult>
  <SubjectFromWebIdentityToken>me</SubjectFromWebIdentityToken>
  <Credentials><SessionToken>tok</SessionToken><SecretAccessKey>s</SecretAccessKey>
   <Expiration>2033-05-18T03:33:20Z</Expiration><AccessKeyId>ASIA</AccessKeyId></Credentials>
 </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>`
	for name, test := range map[string]struct {
		status  int
		answer  string
		session string
		err     string
	}{
		"credentials":   {200, good, "", ""},
		"with a name":   {200, good, "me", ""},
		"refused":       {403, "<Error><Code>AccessDenied</Code></Error>", "", `HTTP status 403: "<Error><Code>AccessDenied`},
		"the token":     {400, "<Message>" + secretText + "</Message>", "", "repeats the secret"},
		"not XML":       {200, "{}" + secretText, "", "has no credentials"},
		"not all of it": {200, strings.Replace(good, "<SecretAccessKey>s</SecretAccessKey>", "", 1), "", "has no credentials"},
		"a redirect":    {307, "", "", "HTTP status 307"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request, form url.Values) {
				session := test.session
				if session == "" {
					session = "franzi"
				}
				want := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {"arn:aws:iam::1:role/r"},
					"RoleSessionName": {session}, "WebIdentityToken": {secretText}}
				if diff := cmp.Diff(want, form); diff != "" {
					t.Errorf("the form (-want +got):\n%s", diff)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				io.WriteString(w, test.answer)
			})
			bare(t, map[string]string{
				"AWS_WEB_IDENTITY_TOKEN_FILE": write(t, secretText+"\n"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r",
				"AWS_ENDPOINT_URL_STS": s.URL, "AWS_ROLE_SESSION_NAME": test.session,
			})
			check(t, aws.WebIdentity(), fromService, test.err)
			if len(s.seen) != 1 || s.seen[0] != "POST /" {
				t.Errorf("got the requests %q", s.seen)
			}
		})
	}
	bare(t, map[string]string{"AWS_ROLE_ARN": "arn"})
	check(t, aws.WebIdentity(), plain{}, "not set up")
	bare(t, map[string]string{"AWS_ROLE_ARN": "arn", "AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/file"})
	check(t, aws.WebIdentity(), plain{}, "no such file")
	bare(t, map[string]string{"AWS_ROLE_ARN": "arn", "AWS_WEB_IDENTITY_TOKEN_FILE": write(t, "t"), "AWS_ENDPOINT_URL_STS": "http://%zz"})
	check(t, aws.WebIdentity(), plain{}, "cannot be read")
}

func TestContainer(t *testing.T) {
	for name, test := range map[string]struct {
		token, file string
		status      int
		answer      string
		err         string
	}{
		"without a token":     {"", "", 200, credentialsJSON, ""},
		"a token":             {secretText, "", 200, credentialsJSON, ""},
		"a token in a file":   {"not this one", secretText + "\n", 200, credentialsJSON, ""},
		"refused":             {secretText, "", 401, "who is " + secretText, "repeats the secret"},
		"not JSON":            {"", "", 200, secretText, "has no credentials"},
		"not all of it":       {"", "", 200, `{"AccessKeyId":"ASIA"}`, "has no credentials"},
		"an end beyond sense": {"", "", 200, strings.Replace(credentialsJSON, "2033-05-18", "soon", 1), "has no credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request, _ url.Values) {
				want := test.token
				if test.file != "" {
					want = secretText
				}
				if got := r.Header.Get("Authorization"); got != want {
					t.Errorf("got the header %q, want %q", got, want)
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.answer)
			})
			variables := map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL + "/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN": test.token}
			if test.file != "" {
				variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write(t, test.file)
			}
			bare(t, variables)
			check(t, aws.Container(), fromService, test.err)
			if len(s.seen) != 1 || s.seen[0] != "GET /v1/credentials" {
				t.Errorf("got the requests %q", s.seen)
			}
		})
	}
	bare(t, nil)
	check(t, aws.Container(), plain{}, "not set up")
	bare(t, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/no/such/file"})
	check(t, aws.Container(), plain{}, "no such file")
}

// Credentials are not asked for, nor the token sent, where others can listen.
func TestContainerAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"http://credentials.example.com/": "must be https or on this machine, not at credentials.example.com",
		"http://10.0.0.1/":                "must be https",
		"http://169.254.169.254/":         "must be https",
		"file:///etc/passwd":              "is no address",
		"http://%zz":                      "is no address",
		"credentials":                     "is no address",
	} {
		bare(t, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": address})
		check(t, aws.Container(), plain{}, want)
	}
	// These may be asked, but this test does not wait for an answer.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, address := range []string{
		"https://credentials.example.com/", "http://169.254.170.2/", "http://169.254.170.23/", "http://[fd00:ec2::23]/", "http://[::1]/", "http://127.1.2.3/",
	} {
		bare(t, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": address})
		if _, err := aws.Container()(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want it to be asked", address, err)
		}
	}
	bare(t, map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials"})
	if _, err := aws.Container()(ended); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "169.254.170.2 ") {
		t.Errorf("got %v, want the address of ECS to be asked", err)
	}
}

func TestInstance(t *testing.T) {
	const path = "/latest/meta-data/iam/security-credentials/"
	for name, test := range map[string]struct {
		statuses [3]int // of the three answers
		role     string
		answer   string
		requests int
		err      string
	}{
		"credentials":       {[3]int{200, 200, 200}, "my-role", credentialsJSON, 3, ""},
		"two roles":         {[3]int{200, 200, 200}, "my-role\nother", credentialsJSON, 3, ""},
		"not version 2":     {[3]int{403, 200, 200}, "my-role", credentialsJSON, 1, "HTTP status 403"},
		"no role":           {[3]int{200, 404, 200}, "", credentialsJSON, 2, "HTTP status 404"},
		"the role is gone":  {[3]int{200, 200, 404}, "my-role", "where is " + secretText, 3, "repeats the secret"},
		"not JSON":          {[3]int{200, 200, 200}, "my-role", secretText, 3, "has no credentials"},
		"a role of strange": {[3]int{200, 200, 200}, "../../my role?", credentialsJSON, 3, "HTTP status 404"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request, _ url.Values) {
				token := r.Header.Get("X-aws-ec2-metadata-token")
				switch {
				case r.Method == "PUT" && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") == "60":
					w.WriteHeader(test.statuses[0])
					if test.statuses[0] == 200 {
						io.WriteString(w, secretText)
					}
				case r.Method == "GET" && r.URL.Path == path && token == secretText:
					w.WriteHeader(test.statuses[1])
					io.WriteString(w, test.role)
				case r.Method == "GET" && r.URL.Path == path+"my-role" && token == secretText:
					w.WriteHeader(test.statuses[2])
					io.WriteString(w, test.answer)
				default:
					w.WriteHeader(404)
				}
			})
			bare(t, map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL + "/"})
			check(t, aws.Instance(), fromService, test.err)
			if len(s.seen) != test.requests {
				t.Errorf("got the requests %q, want %d", s.seen, test.requests)
			}
		})
	}
	t.Run("no instance", func(t *testing.T) {
		s := serve(t, nil)
		s.Close() // so that nobody listens there
		bare(t, map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL})
		check(t, aws.Instance(), plain{}, "not set up: no metadata service")
		check(t, aws.Default(), plain{}, "there are none:")
		bare(t, nil)
		check(t, aws.Instance(), plain{}, "AWS_EC2_METADATA_DISABLED turns")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := serve(t, func(_ http.ResponseWriter, r *http.Request, _ url.Values) {
			cancel()
			<-r.Context().Done()
		})
		bare(t, map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL})
		if _, err := aws.Default()(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want it to be cancelled", err)
		}
	})
}

// Static returns what it was given.
func TestStatic(t *testing.T) {
	check(t, aws.Static("AKID", secretText, "tok"), plain{ID: "AKID", Secret: secretText, Token: "tok"}, "")
	if c, _ := aws.Static("AKID", secretText, "")(t.Context()); c.SessionToken.Reveal() != "" || strings.Contains(fmt.Sprint(c), secretText) {
		t.Errorf("got %v", c)
	}
}
