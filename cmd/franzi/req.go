package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/kjson"
)

const reqHelp = `req sends a request and shows the answer. The request is JSON in Kafka's form (bytes in base64,
records as encode takes them); what it leaves out has Kafka's defaults. Without -v it goes out
in the highest version that both sides speak.

It goes where it belongs: to the controller, a group's coordinator, leaders of partitions;
what belongs to several brokers is split, and the answers are merged into one. -B sends it
elsewhere: any, controller, leader:TOPIC/PARTITION, group:ID, txn:ID, a broker's id, or all.

Exit code 1 says that the answer has error codes, which are explained on stderr, or bad
batches; 2 that nothing was sent.`

// A reqCommand is what req was asked for.
type reqCommand struct {
	connection
	version  versionFlag
	template bool
	dryRun   bool
	hex      bool
	lenient  bool
	redact   bool
	opaque   bool
	to       targetFlag
	api      *kmsg.API
}

func (a *app) reqCommand() *cobra.Command {
	var r reqCommand
	cmd := &cobra.Command{
		Use:   "req NAME [JSON|@FILE|-]",
		Short: "Send a request, and show the answer",
		Long:  reqHelp,
		Example: `  franzi req Metadata -b localhost:9092 '{"topics":[{"name":"orders"}]}'
  franzi req DescribeLogDirs -B 2 -b localhost:9092
  franzi req CreateTopics --template -v 7 > topic.json`,
		Args:              takes(1, 2),
		ValidArgsFunction: completeNames(apiNames),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if r.api, err = findAPI(args[0]); err != nil {
				return err
			}
			if r.version.set && (r.version.n < r.api.MinVersion || r.version.n > r.api.MaxVersion) {
				return noVersion(r.api.Name, r.version.n, r.api.MinVersion, r.api.MaxVersion)
			}
			switch {
			case r.template && r.dryRun:
				return misused(cmd, "--template and --dry-run do not go together")
			case r.hex && (r.template || r.dryRun):
				return misused(cmd, "--hex is about the answer, and nothing is to be sent")
			case r.template:
				return a.writeTemplate(cmd, &r, args[1:])
			}
			body, err := a.body(cmd.Context(), args[1:])
			if err != nil {
				return err
			}
			if r.dryRun {
				return a.dryRun(cmd, &r, body)
			}
			return a.request(cmd, &r, body)
		},
	}
	r.connection.add(cmd)
	cmd.Flags().VarP(&r.to, "to", "B", "whom to ask instead of whom it belongs to")
	complete(cmd, "to", cobra.FixedCompletions([]string{"any", "controller", "leader:", "group:", "txn:", "all"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
	r.version.add(cmd, "send this version, whatever the broker speaks")
	cmd.Flags().BoolVar(&r.template, "template", false, "send nothing: show a request with all its fields, to be filled in")
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "send nothing: show the bytes in hex")
	cmd.Flags().BoolVar(&r.hex, "hex", false, "show the bytes of the answer in hex, with size and header")
	cmd.Flags().BoolVar(&r.lenient, "lenient", false, "accept null where it is not allowed, and bytes after the end")
	addOpaque(cmd, &r.opaque)
	cmd.Flags().BoolVar(&r.redact, "redact", false, "hide secrets in the answer, and only count records and long bytes")
	return cmd
}

// A requestBody is the JSON of a request.
type requestBody struct {
	text  []byte
	file  string
	given bool
}

func (a *app) body(ctx context.Context, args []string) (requestBody, error) {
	if len(args) == 0 {
		return requestBody{text: []byte("{}")}, nil
	}
	if args[0] == "-" {
		text, err := a.readAll(ctx)
		return requestBody{text, "stdin", true}, err
	}
	text, file, err := argument(args[0])
	return requestBody{text, file, true}, err
}

// topVersion is the highest version of an API that is not unstable.
func topVersion(api *kmsg.API) int16 {
	if api.Unstable && api.MaxVersion > api.MinVersion {
		return api.MaxVersion - 1
	}
	return api.MaxVersion
}

// pinned is the version that was asked for, or else the highest one.
func (r *reqCommand) pinned() int16 {
	if r.version.set {
		return r.version.n
	}
	return topVersion(r.api)
}

// fill makes the request of a version. Its error is about the JSON.
func (a *app) fill(r *reqCommand, body requestBody, v int16) (kmsg.Request, error) {
	req := kmsg.NewRequest(r.api.Key)
	req.SetAPIVersion(v)
	if err := a.unmarshal(new(kjson.Codec), r.api.Name+"Request", body.text, req); err != nil {
		return nil, err
	}
	if versions, ok := req.(*kmsg.APIVersionsRequest); ok && !body.given {
		// Brokers refuse Kafka's default, which is empty.
		versions.ClientSoftwareName, versions.ClientSoftwareVersion = software()
	}
	return req, req.Check()
}

// fits refuses JSON that no version of the request can carry, before anybody is asked, and
// returns the versions that can.
func (a *app) fits(r *reqCommand, body requestBody) ([]int16, error) {
	if r.version.set {
		_, err := a.fill(r, body, r.version.n)
		return []int16{r.version.n}, body.wrong(err)
	}
	var fit []int16
	_, first := a.fill(r, body, topVersion(r.api))
	for v := r.api.MinVersion; v <= r.api.MaxVersion; v++ {
		if _, err := a.fill(r, body, v); err == nil {
			fit = append(fit, v)
		}
	}
	if len(fit) == 0 {
		return nil, body.wrong(first)
	}
	return fit, nil
}

// wrong makes a failure of an error about the JSON.
func (b requestBody) wrong(err error) error {
	if err == nil {
		return nil
	}
	return mistaken("%s", jsonError(err, b.file, 0))
}

func (a *app) writeTemplate(cmd *cobra.Command, r *reqCommand, rest []string) error {
	if len(rest) > 0 {
		return misused(cmd, "--template takes no JSON, it makes some")
	}
	m, err := a.model()
	if err != nil {
		return err
	}
	v := skeleton(m.Message(r.api.Name+"Request").Root, r.pinned())
	if !r.version.set {
		a.say("%s version %d", r.api.Name, r.pinned())
	}
	return a.write(output.JSONFormat, output.Result{Value: v, Raw: append(v.AppendJSON(nil), '\n')})
}

func (a *app) dryRun(cmd *cobra.Command, r *reqCommand, body requestBody) error {
	req, err := a.fill(r, body, r.pinned())
	if err != nil {
		return body.wrong(err)
	}
	s, err := r.load(a, cmd)
	if err != nil {
		return err
	}
	frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 1, ClientID: kbin.Str(s.ClientID())}, req)
	if err != nil {
		return body.wrong(err)
	}
	how := ""
	if !r.version.set {
		how = ", our highest: a broker may make it lower"
	}
	a.say("%s version %d%s; correlation id 1, client id %q, %d bytes with their size", r.api.Name, req.APIVersion(), how, s.ClientID(), len(frame))
	a.say("%s", kjson.MarshalLog(req))
	return a.write(output.RawFormat, output.Result{
		Value: encoded{r.api.Name + "Request", req.APIVersion(), len(frame), hexFormat, hexFormat.text(frame)},
		Raw:   hexFormat.line(frame),
	})
}

// reportErrors says what each error code in an answer means.
func (a *app) reportErrors(name string, answer output.Value) error {
	m, err := a.model()
	if err != nil {
		return err
	}
	found := errorsIn(m.Message(name), answer)
	for _, e := range found {
		a.say("%v", e)
	}
	if len(found) > 0 {
		return errSaid()
	}
	return nil
}
