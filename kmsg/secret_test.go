package kmsg_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
	"github.com/franzi-kafka/franzi/kmsg/state"
)

// secretText is looked for in all that is printed, as text, in base64, hexadecimal and
// decimal.
const secretText = "hunter2-hunter2"

// withSecrets are messages of all kinds that carry a secret.
func withSecrets() map[string]kmsg.Message {
	secret := kbin.Secret(secretText)
	value := kbin.Str(secretText)
	return map[string]kmsg.Message{
		"SASL token":         &kmsg.SASLAuthenticateRequest{AuthBytes: secret},
		"SASL answer":        &kmsg.SASLAuthenticateResponse{AuthBytes: secret},
		"SCRAM credential":   &kmsg.AlterUserSCRAMCredentialsRequest{Upsertions: []kmsg.AlterUserSCRAMCredentialsRequestSCRAMCredentialUpsertion{{Name: "alice", Salt: secret, SaltedPassword: secret}}},
		"new token":          &kmsg.CreateDelegationTokenResponse{Version: 1, HMAC: secret},
		"described token":    &kmsg.DescribeDelegationTokenResponse{Version: 1, Tokens: []kmsg.DescribeDelegationTokenResponseDescribedDelegationToken{{HMAC: secret}}},
		"renewed token":      &kmsg.RenewDelegationTokenRequest{HMAC: secret},
		"expired token":      &kmsg.ExpireDelegationTokenRequest{HMAC: secret},
		"forwarded request":  &kmsg.EnvelopeRequest{RequestData: secret},
		"forwarded response": &kmsg.EnvelopeResponse{ResponseData: secret},
		"config to set":      &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{{Configs: []kmsg.AlterConfigsRequestAlterableConfig{{Name: "ssl.keystore.password", Value: value}}}}},
		"config to change":   &kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestAlterConfigsResource{{Configs: []kmsg.IncrementalAlterConfigsRequestAlterableConfig{{Name: "listener.name.x.scram-sha-256.sasl.jaas.config", Value: value}}}}},
		"config of a topic":  &kmsg.CreateTopicsRequest{Topics: []kmsg.CreateTopicsRequestCreatableTopic{{Configs: []kmsg.CreateTopicsRequestCreatableTopicConfig{{Name: "my.secret", Value: value}}}}},
		"sensitive config":   &kmsg.DescribeConfigsResponse{Version: 1, Results: []kmsg.DescribeConfigsResponseResult{{Configs: []kmsg.DescribeConfigsResponseResourceResult{{Name: "harmless", IsSensitive: true, Value: value}}}}},
		"synonym":            &kmsg.DescribeConfigsResponse{Version: 1, Results: []kmsg.DescribeConfigsResponseResult{{Configs: []kmsg.DescribeConfigsResponseResourceResult{{Name: "x", Synonyms: []kmsg.DescribeConfigsResponseSynonym{{Name: "ssl.key.password", Value: value}}}}}}},
		"synonym of a sensitive config": &kmsg.DescribeConfigsResponse{Version: 1, Results: []kmsg.DescribeConfigsResponseResult{{Configs: []kmsg.DescribeConfigsResponseResourceResult{{
			Name: "harmless", IsSensitive: true, Synonyms: []kmsg.DescribeConfigsResponseSynonym{{Name: "log.harmless"}, {Name: "harmless", Value: value}}}}}}},
		"certificates":      &kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestAlterConfigsResource{{Configs: []kmsg.IncrementalAlterConfigsRequestAlterableConfig{{Name: "listener.name.x.ssl.keystore.certificate.chain", Value: value}}}}},
		"created config":    &kmsg.CreateTopicsResponse{Version: 5, Topics: []kmsg.CreateTopicsResponseCreatableTopicResult{{Configs: []kmsg.CreateTopicsResponseCreatableTopicConfigs{{Name: "x", IsSensitive: true, Value: value}}}}},
		"config record":     &state.ConfigRecord{ResourceName: "1", Name: "ssl.truststore.password", Value: value},
		"credential record": &state.UserSCRAMCredentialRecord{Name: "alice", Salt: secret, StoredKey: secret, ServerKey: secret},
	}
}

func showsSecret(s string) bool {
	forms := []string{
		secretText,
		fmt.Sprintf("%x", secretText), fmt.Sprintf("%X", secretText),
		strings.Trim(fmt.Sprint([]byte(secretText)), "[]"),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(secretText)), "[]byte{"), "}"),
	}
	if b, err := json.Marshal([]byte(secretText)); err == nil {
		forms = append(forms, strings.Trim(string(b), `"=`))
	}
	for _, f := range forms {
		if strings.Contains(s, f) {
			return true
		}
	}
	return false
}

// Whatever prints a message, it hides secrets: all verbs, pointers and values, logs, JSON
// for logs and for debugging, and errors about the message.
func TestSecretsAreHidden(t *testing.T) {
	for name, m := range withSecrets() {
		t.Run(name, func(t *testing.T) {
			full, err := kjson.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if !showsSecret(string(full)) {
				t.Fatalf("the message carries no secret, so that the test cannot fail: %s", full)
			}
			shown := map[string]string{"String": m.String(), "MarshalLog": string(kjson.MarshalLog(m))}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				shown[verb] = fmt.Sprintf(verb, m)
				shown[verb+" of the fields"] = fmt.Sprintf(verb, dereferenced(m))
			}
			if b, err := json.Marshal(m); err != nil {
				t.Error(err)
			} else {
				shown["encoding/json"] = string(b)
			}
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "m", m)
			slog.New(slog.NewTextHandler(&log, nil)).Info("m", "m", m, "v", dereferenced(m))
			shown["log/slog"] = log.String()
			for how, s := range shown {
				if showsSecret(s) {
					t.Errorf("%s shows the secret: %s", how, s)
				}
			}
			if s := m.String(); !strings.Contains(s, kbin.Redacted) {
				t.Errorf("String does not say that there is a secret: %s", s)
			}
		})
	}
}

// Configs that are no secrets are shown: hiding all would make logs useless.
func TestHarmlessConfigsAreShown(t *testing.T) {
	m := &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{{Configs: []kmsg.AlterConfigsRequestAlterableConfig{{Name: "retention.ms", Value: kbin.Str("86400000")}}}}}
	for how, s := range map[string]string{"String": m.String(), "%+v": fmt.Sprintf("%+v", m.Resources[0].Configs[0])} {
		if !strings.Contains(s, "86400000") {
			t.Errorf("%s hides the value: %s", how, s)
		}
	}
}

// Every config value of every message is known as one: a struct with a name and a nullable
// value that nobody thought of fails here.
func TestConfigValuesAreKnown(t *testing.T) {
	var got []string
	for name, d := range definitions {
		got = append(got, unguardedConfigs(t, name, d)...)
	}
	if len(got) > 0 {
		t.Errorf("these look like configs, but their values are not guarded: %q; add them to secrets.json", got)
	}
}

// Logs count records and shorten long bytes; KIP-673 does the same.
func TestLogsAreShort(t *testing.T) {
	m := kmsg.NewProduceRequest()
	m.Version = 3
	m.TopicData = []kmsg.ProduceRequestTopicProduceData{{Name: "t", PartitionData: []kmsg.ProduceRequestPartitionProduceData{{Records: make([]byte, 1<<20)}}}}
	want := `ProduceRequest v3 {"transactionalId":null,"acks":0,"timeoutMs":0,"topicData":[{"name":"t","partitionData":[{"index":0,"recordsSizeInBytes":1048576}]}]}`
	if got := m.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	join := kmsg.NewSyncGroupRequest()
	join.Assignments = []kmsg.SyncGroupRequestAssignment{{MemberID: "m", Assignment: make([]byte, 65)}}
	if got, want := join.String(), `"assignment":"[65 bytes]"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want it to contain %s", got, want)
	}
}
