package kbin_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
)

// TestUUIDText holds the text form against that of Kafka's Uuid.
func TestUUIDText(t *testing.T) {
	for _, row := range []struct {
		id   kbin.UUID
		text string
	}{
		{kbin.UUID{}, "AAAAAAAAAAAAAAAAAAAAAA"},      // Uuid.ZERO_UUID
		{kbin.UUID{15: 1}, "AAAAAAAAAAAAAAAAAAAAAQ"}, // Uuid.ONE_UUID
		{kbin.UUID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, "AAECAwQFBgcICQoLDA0ODw"},
		{kbin.UUID(bytes.Repeat([]byte{0xff}, 16)), "_____________________w"}, // the URL alphabet
	} {
		if got := row.id.String(); got != row.text {
			t.Errorf("String of %x: got %q, want %q", row.id[:], got, row.text)
		}
		if got, err := row.id.MarshalText(); string(got) != row.text || err != nil {
			t.Errorf("MarshalText of %x: got %q, %v, want %q", row.id[:], got, err, row.text)
		}
		if got, err := kbin.ParseUUID(row.text); got != row.id || err != nil {
			t.Errorf("ParseUUID(%q): got %v, %v, want %x", row.text, got, err, row.id[:])
		}
		if got, want := row.id.IsZero(), row.text == "AAAAAAAAAAAAAAAAAAAAAA"; got != want {
			t.Errorf("IsZero of %v: got %v, want %v", row.id, got, want)
		}
		b, err := json.Marshal(map[string]kbin.UUID{"id": row.id})
		if want := `{"id":"` + row.text + `"}`; string(b) != want || err != nil {
			t.Errorf("JSON: got %s, %v, want %s", b, err, want)
		}
		var back map[kbin.UUID]string // a key of JSON, too
		if err := json.Unmarshal([]byte(`{"`+row.text+`": "x"}`), &back); err != nil || back[row.id] != "x" {
			t.Errorf("from JSON: got %v, %v, want %v", back, err, row.id)
		}
	}
}

func TestUUIDTextMalformed(t *testing.T) {
	for _, row := range []struct {
		why  string
		text string
	}{
		{"nothing", ""},
		{"too short", "AAECAwQFBgcICQoLDA0OD"},
		{"15 bytes", "AAECAwQFBgcICQoLDA0O"},
		{"17 bytes", "AAECAwQFBgcICQoLDA0ODxA"},
		{"much too long", strings.Repeat("A", 1000)},
		{"padding", "AAECAwQFBgcICQoLDA0ODw=="},
		{"the usual alphabet", "+/////////////////////w"[:22]},
		{"the usual form", "00010203-0405-0607-0809-0a0b0c0d0e0f"},
		{"a line end, which package base64 skips", "AAECAwQFBgcICQoLDA0ODw\n"},
		{"line ends between", "AAECAwQFBgc\r\nICQoLDA0ODw"},
		{"white space", " AAECAwQFBgcICQoLDA0ODw"},
	} {
		id := kbin.UUID{1}
		err := id.UnmarshalText([]byte(row.text))
		if err == nil || !strings.Contains(err.Error(), "22 characters of base64url") {
			t.Errorf("%s: got %v, %v, want an error that tells the form", row.why, id, err)
		}
		if id != (kbin.UUID{1}) {
			t.Errorf("%s: got %v, want the value from before", row.why, id)
		}
		if got, err := kbin.ParseUUID(row.text); got != (kbin.UUID{}) || err == nil {
			t.Errorf("%s: ParseUUID: got %v, %v, want none and an error", row.why, got, err)
		}
	}
}

func TestNullString(t *testing.T) {
	for _, row := range []struct {
		s    kbin.NullString
		want string
	}{
		{kbin.NullString{}, "null"},
		{kbin.NullString{S: "left over"}, "null"}, // S does not count
		{kbin.Str(""), ""},
		{kbin.Str("x"), "x"},
	} {
		if got := row.s.String(); got != row.want {
			t.Errorf("%#v: got %q, want %q", row.s, got, row.want)
		}
		if got := fmt.Sprintf("%v", row.s); got != row.want {
			t.Errorf("%#v with %%v: got %q, want %q", row.s, got, row.want)
		}
	}
	if kbin.Str("") == (kbin.NullString{}) {
		t.Error("the empty string and null: got equal, want different")
	}
}

// secretText is what no output may have, in whatever notation.
const secretText = "hunter2-pass"

// leaks returns the notations of the secret that a text has.
func leaks(text string) []string {
	raw := []byte(secretText)
	decimal := strings.Trim(fmt.Sprint(raw), "[]")
	goSyntax := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", raw), "[]byte{"), "}")
	var found []string
	for _, notation := range []string{
		secretText, decimal, strings.ReplaceAll(decimal, " ", ","), goSyntax,
		hex.EncodeToString(raw), fmt.Sprintf("% x", raw), fmt.Sprintf("%o", raw[:3]), fmt.Sprintf("%b", raw[:3]), fmt.Sprintf("%c", raw[:3]), fmt.Sprintf("%U", raw[:3]),
		base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(strings.Trim(notation, "[]"))) {
			found = append(found, notation)
		}
	}
	return found
}

// TestLeaks: the test of tests, for one that finds nothing would pass everything.
func TestLeaks(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U"} {
		if len(leaks(fmt.Sprintf(verb, []byte(secretText)))) == 0 {
			t.Errorf("%s of plain bytes: got no leak, want one", verb)
		}
	}
	b, err := json.Marshal([]byte(secretText))
	if err != nil || len(leaks(string(b))) == 0 {
		t.Errorf("JSON of plain bytes: got no leak in %s, want one", b)
	}
}

// TestSecret: a secret does not show, alone or inside of anything, in no notation.
func TestSecret(t *testing.T) {
	type credentials struct {
		User     string
		Password kbin.Secret
	}
	type nested struct {
		Inner  credentials
		Point  *credentials
		List   []credentials
		ByName map[string]kbin.Secret
		Any    any
	}
	s := kbin.Secret(secretText)
	in := credentials{"user", s}
	values := map[string]any{
		"alone":                    s,
		"a pointer":                &s,
		"a struct":                 in,
		"a pointer to a struct":    &in,
		"a slice":                  []kbin.Secret{s, s},
		"an array":                 [2]kbin.Secret{s, s},
		"a slice of pointers":      []*kbin.Secret{&s},
		"a map":                    map[string]kbin.Secret{"password": s},
		"a map of structs":         map[string]credentials{"user": in},
		"a slice of structs":       []credentials{in},
		"an interface in a slice":  []any{s, in, &in},
		"everything in everything": nested{in, &in, []credentials{in}, map[string]kbin.Secret{"k": s}, s},
	}
	show := func(name, how, got string) {
		t.Helper()
		if found := leaks(got); found != nil {
			t.Errorf("%s with %s: got %s, which shows %q, want %q", name, how, got, found, kbin.Redacted)
		}
		// Pointers in other values print as addresses; all else says what it hides.
		if !strings.Contains(got, kbin.Redacted) && !strings.Contains(got, "0x") && !strings.Contains(got, "0X") {
			t.Errorf("%s with %s: got %s, want %q in it", name, how, got, kbin.Redacted)
		}
	}
	for name, v := range values {
		for _, verb := range []string{
			"%v", "%+v", "%#v", "%s", "%q", "%+q", "%#q", "%x", "%X", "% x", "%#x", "% #X", "%d", "%+d", "%o", "%O", "%b", "%c", "%U", "%#U",
			"%e", "%g", "%t", "%z", "%20s", "%-20v", "%.3s", "%020d",
		} {
			if verb == "%.3s" && name != "alone" {
				continue // cuts the other strings
			}
			// For a pointer to a struct inside of something else, fmt takes a verb that pointers
			// do not have for a mistake, and shows all bytes without asking Format. So does %w.
			// No type of bytes can hinder it, but go vet finds both.
			if withPointers := name == "an interface in a slice" || name == "everything in everything"; withPointers && !strings.ContainsAny(verb, "vdxXob") {
				continue
			}
			show(name, verb, fmt.Sprintf(verb, v))
		}
		show(name, "%v after %T", fmt.Sprintf("%T %[1]v", v))
		show(name, "Print", fmt.Sprint(v))
		show(name, "Println", fmt.Sprintln("x", v))
		show(name, "Appendf", string(fmt.Appendf(nil, "%v", v)))
		careless, verbs := fmt.Sprintf, []string{"%d", "%[1]*d %[1]v"} // tools see these otherwise
		show(name, "an argument too much", careless(verbs[0], 1, v))
		show(name, "a width that is none", careless(verbs[1], v))
		show(name, "Errorf", fmt.Errorf("no: %v, %w", v, errors.New("other")).Error())

		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("JSON of %s: %v", name, err)
		}
		show(name, "JSON", string(b))

		var text, structured bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&structured, nil)} {
			l := slog.New(handler).With("with", v)
			l.Info("message", "plain", v, slog.Any("any", v), slog.Group("group", "inner", v))
		}
		show(name, "slog as text", text.String())
		show(name, "slog as JSON", structured.String())
	}
	for how, got := range map[string]string{"String": s.String(), "GoString": s.GoString(), "%v": fmt.Sprintf("%v", s), "%d": fmt.Sprintf("%d", s)} {
		if got != kbin.Redacted {
			t.Errorf("%s: got %q, want %q", how, got, kbin.Redacted)
		}
	}
	// Whether there is a secret is one, too.
	for _, empty := range []kbin.Secret{nil, {}} {
		b, err := json.Marshal(credentials{Password: empty})
		if got := fmt.Sprintf("%v %s %x", empty, empty, empty); strings.Count(got, kbin.Redacted) != 3 || err != nil || !bytes.Contains(b, []byte(kbin.Redacted)) {
			t.Errorf("an empty secret: got %s and %s, %v, want %q", got, b, err, kbin.Redacted)
		}
	}
	if got := string(s); got != secretText {
		t.Errorf("the bytes themselves: got %q, want %q", got, secretText)
	}
}

func TestSensitiveConfig(t *testing.T) {
	for name, want := range map[string]bool{
		// Kafka's own names of type password.
		"sasl.jaas.config":                                  true,
		"ssl.keystore.password":                             true,
		"ssl.key.password":                                  true,
		"ssl.truststore.password":                           true,
		"ssl.keystore.key":                                  true,
		"ssl.keystore.certificate.chain":                    true,
		"ssl.truststore.certificates":                       true,
		"password.encoder.secret":                           true,
		"delegation.token.master.key":                       true,
		"delegation.token.secret.key":                       true,
		"sasl.oauthbearer.client.credentials.client.secret": true,
		"listener.name.internal.ssl.keystore.password":      true, // with a prefix
		"SASL.JAAS.CONFIG":                                  true,
		// Names of connectors' configs.
		"connection.password":   true,
		"aws.secret.access.key": true,
		"azure.sas.key":         true,
		// Nothing to hide.
		"":                        false,
		"retention.ms":            false,
		"cleanup.policy":          false,
		"sasl.enabled.mechanisms": false,
		"ssl.keystore.location":   false,
		"compression.type":        false,
		"ssl.keystore.type":       false,
		"message.timestamp.type":  false,
	} {
		if got := kbin.SensitiveConfig(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

// redacted is what generated structs with secret configs do.
type redacted struct {
	Name, Value string
}

func (r redacted) Format(f fmt.State, verb rune) {
	type plain redacted
	p := plain(r)
	p.Value = kbin.Redacted
	kbin.FormatRedacted(f, verb, p)
}

// TestFormatRedacted: flags, width and verb reach what is printed instead.
func TestFormatRedacted(t *testing.T) {
	v := redacted{"ssl.key.password", secretText}
	for verb, want := range map[string]string{
		"%v":   "{ssl.key.password [secret]}",
		"%+v":  "{Name:ssl.key.password Value:[secret]}",
		"%s":   "{ssl.key.password [secret]}",
		"%q":   `{"ssl.key.password" "[secret]"}`,
		"%#v":  `kbin_test.plain{Name:"ssl.key.password", Value:"[secret]"}`,
		"%20s": "{    ssl.key.password             [secret]}",
		"%x":   "{" + hex.EncodeToString([]byte("ssl.key.password")) + " " + hex.EncodeToString([]byte(kbin.Redacted)) + "}",
	} {
		if got := fmt.Sprintf(verb, v); got != want {
			t.Errorf("%s: got %s, want %s", verb, got, want)
		}
	}
	type plain redacted
	if got, want := string(kbin.TextRedacted(plain{"a", kbin.Redacted})), "{Name:a Value:[secret]}"; got != want {
		t.Errorf("TextRedacted: got %s, want %s", got, want)
	}
}

// TestSizes: messages have these in thousands.
func TestSizes(t *testing.T) {
	word := reflect.TypeFor[uintptr]().Size()
	if got := reflect.TypeFor[kbin.Tags]().Size(); got != word {
		t.Errorf("Tags: got %d bytes, want %d", got, word)
	}
	if got, want := reflect.TypeFor[kbin.NullString]().Size(), 3*word; got != want {
		t.Errorf("NullString: got %d bytes, want %d", got, want)
	}
}

func ExampleUUID() {
	id, err := kbin.ParseUUID("AAECAwQFBgcICQoLDA0ODw")
	fmt.Println(id, err)
	fmt.Println(id.IsZero(), kbin.UUID{}.IsZero())

	_, err = kbin.ParseUUID("orders")
	fmt.Println(err)
	// Output:
	// AAECAwQFBgcICQoLDA0ODw <nil>
	// false true
	// kbin: "orders" is no UUID in Kafka's form, 22 characters of base64url
}

func ExampleSecret() {
	login := struct {
		User     string
		Password kbin.Secret
	}{"alice", kbin.Secret("correct horse")}

	fmt.Printf("%+v\n", login)
	fmt.Printf("%x\n", login.Password)
	text, _ := json.Marshal(login)
	fmt.Println(string(text))
	fmt.Println(len([]byte(login.Password)))
	// Output:
	// {User:alice Password:[secret]}
	// [secret]
	// {"User":"alice","Password":"[secret]"}
	// 13
}

func ExampleNullString() {
	var b []byte
	b = kbin.AppendCompactNullableString(b, kbin.Str("rack-1"))
	b = kbin.AppendCompactNullableString(b, kbin.NullString{})

	r := kbin.NewReader(b)
	fmt.Println(r.CompactNullableString(), r.CompactNullableString())
	// Output: rack-1 null
}
