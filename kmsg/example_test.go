package kmsg_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
)

// A request in a frame, as it goes over a connection, and the answer that comes back.
func Example() {
	req := kmsg.NewMetadataRequest()
	req.Version = 12
	req.Topics = []kmsg.MetadataRequestTopic{{Name: kbin.Str("orders")}}
	header := kmsg.RequestHeader{CorrelationID: 1, ClientID: kbin.Str("example")}
	frame, err := kmsg.AppendRequest(nil, header, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n", frame)

	answer := brokerAnswers(frame) // write the frame to a connection, then kmsg.ReadFrame
	resp := req.NewResponse()      // a *kmsg.MetadataResponse of the same version
	if _, err := kmsg.DecodeResponse(answer, resp); err != nil {
		fmt.Println(err)
		return
	}
	for _, topic := range resp.Topics {
		fmt.Println(topic.Name, topic.ErrorCode.Err(), len(topic.Partitions), "partitions")
	}
	// Output:
	// 0000002e0003000c0000000100076578616d706c65000200000000000000000000000000000000076f726465727300010000
	// orders <nil> 2 partitions
}

// brokerAnswers plays the broker.
func brokerAnswers(frame []byte) []byte {
	h, _, err := kmsg.DecodeRequest(frame[4:])
	if err != nil {
		panic(err)
	}
	resp := kmsg.NewMetadataResponse()
	resp.Version = h.RequestAPIVersion
	resp.Topics = []kmsg.MetadataResponseTopic{{
		Name:       kbin.Str("orders"),
		Partitions: make([]kmsg.MetadataResponsePartition, 2),
	}}
	answer, err := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: h.CorrelationID}, resp)
	if err != nil {
		panic(err)
	}
	return answer[4:]
}

func ExampleNewFetchRequest() {
	req := kmsg.NewFetchRequest()
	fmt.Println(req.MaxBytes, req.SessionEpoch) // Kafka's defaults, which are not Go's
	// Output: 2147483647 -1
}

func ExampleMessage_check() {
	req := kmsg.NewFetchRequest()
	req.Version = 4
	req.ForgottenTopicsData = []kmsg.FetchRequestForgottenTopic{{Topic: "orders"}}
	fmt.Println(req.Check()) // fetch sessions came with version 7
	// Output: kmsg: FetchRequest.ForgottenTopicsData is set, but version 4 does not carry it, only 7+
}

// Decoding into a value again reuses its memory.
func ExampleMessage_decodeFrom() {
	encoded := (&kmsg.HeartbeatRequest{Version: 3, GroupID: "billing", GenerationID: 5}).AppendTo(nil)

	var r kbin.Reader
	req := &kmsg.HeartbeatRequest{Version: 3}
	for range 2 {
		r.Reset(encoded)
		if err := req.DecodeFrom(&r); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(req)
	// Output: HeartbeatRequest v3 {"groupId":"billing","generationId":5,"memberId":"","groupInstanceId":null}
}

// A function that sends a request can return the right response type by inference.
func ExampleRequestFor() {
	resp := do(kmsg.NewHeartbeatRequest())
	fmt.Printf("%T\n", resp)
	// Output: *kmsg.HeartbeatResponse
}

func do[R kmsg.Response](req kmsg.RequestFor[R]) R { return req.NewResponse() }

func ExampleErrorCode() {
	resp := kmsg.HeartbeatResponse{ErrorCode: kmsg.RebalanceInProgress}
	err := fmt.Errorf("heartbeat: %w", resp.ErrorCode.Err())
	fmt.Println(errors.Is(err, kmsg.RebalanceInProgress), resp.ErrorCode.Retriable())
	fmt.Println(kmsg.ErrorCode(999).Name(), kmsg.None.Err())
	// Output:
	// true false
	// UNKNOWN_CODE_999 <nil>
}

func ExampleAPIs() {
	for _, api := range kmsg.APIs()[:3] {
		fmt.Println(int(api.Key), api.Name, api.MinVersion, api.MaxVersion, api.Since(api.MaxVersion), api.Listeners())
	}
	// Output:
	// 0 Produce 0 13 4.1 [broker]
	// 1 Fetch 0 18 4.1 [broker controller]
	// 2 ListOffsets 0 11 4.2 [broker]
}

func ExampleLookupAPI() {
	fmt.Println(kmsg.LookupAPI(kmsg.KeyFetch).FlexibleFrom)
	// Output: 12
}

func ExampleRelease() {
	release, err := kmsg.Release("2.8")
	if err != nil {
		fmt.Println(err)
		return
	}
	versions, served := release.Broker(kmsg.KeyFetch)
	fmt.Println(versions.Min, versions.Max, served)
	// Output: 0 12 true
}

func ExampleAppendRequest() {
	frame, err := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 7}, kmsg.NewListGroupsRequest())
	fmt.Printf("%x %v\n", frame, err)
	// Output: 0000000a0010000000000007ffff <nil>
}

// A proxy reads requests without knowing what is in them, and passes on what it does not
// know.
func ExampleDecodeRequest() {
	frame, _ := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 7}, kmsg.NewListGroupsRequest())
	header, req, err := kmsg.DecodeRequest(frame[4:])
	if unknown := new(kmsg.UnknownAPIError); errors.As(err, &unknown) {
		fmt.Println("a request of the future:", unknown)
		return
	}
	fmt.Println(header.CorrelationID, req, err)
	// Output: 7 ListGroupsRequest v0 {} <nil>
}

func ExampleDecodeResponse() {
	frame, _ := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: 7}, &kmsg.HeartbeatResponse{Version: 1, ErrorCode: kmsg.UnknownMemberID})
	resp := &kmsg.HeartbeatResponse{Version: 1} // of the request's version
	header, err := kmsg.DecodeResponse(frame[4:], resp)
	fmt.Println(header.CorrelationID, resp.ErrorCode.Name(), err)
	// Output: 7 UNKNOWN_MEMBER_ID <nil>
}

func ExampleMatcher() {
	var connection kmsg.Matcher
	request, _ := kmsg.AppendRequest(nil, kmsg.RequestHeader{CorrelationID: 7}, kmsg.NewHeartbeatRequest())
	if _, req, err := connection.Request(request[4:]); err == nil {
		fmt.Println("->", req)
	}
	response, _ := kmsg.AppendResponse(nil, kmsg.ResponseHeader{CorrelationID: 7}, kmsg.NewHeartbeatResponse())
	if _, resp, err := connection.Response(response[4:]); err == nil {
		fmt.Println("<-", resp)
	}
	// Output:
	// -> HeartbeatRequest v0 {"groupId":"","generationId":0,"memberId":""}
	// <- HeartbeatResponse v0 {"errorCode":0}
}

func ExampleReadFrame() {
	connection := bytes.NewReader([]byte("\x00\x00\x00\x05hello\x00\x00\x00\x05world"))
	var buf []byte // used again for each frame
	for {
		frame, err := kmsg.ReadFrame(connection, buf, kmsg.MaxFrame)
		if errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(frame))
		buf = frame
	}
	// Output:
	// hello
	// world
}

func ExampleSplitFrame() {
	stream := []byte("\x00\x00\x00\x05hello\x00\x00\x00\x05wo") // the second is not all here
	for {
		frame, rest, err := kmsg.SplitFrame(stream, kmsg.MaxFrame)
		if err != nil || frame == nil {
			fmt.Println(len(rest), "bytes wait for more", err)
			return
		}
		fmt.Println(string(frame))
		stream = rest
	}
	// Output:
	// hello
	// 6 bytes wait for more <nil>
}

func ExampleNewRequest() {
	req := kmsg.NewRequest(kmsg.KeyMetadata)
	req.SetAPIVersion(12)
	fmt.Printf("%T\n", req)
	// Output: *kmsg.MetadataRequest
}

func ExampleNewMessage() {
	fmt.Printf("%T\n", kmsg.NewMessage("ConsumerProtocolSubscription"))
	// Output: *kmsg.ConsumerProtocolSubscription
}

func ExampleACLOperations() {
	resp := kmsg.MetadataResponseTopic{TopicAuthorizedOperations: 1<<3 | 1<<8}
	fmt.Println(resp.TopicAuthorizedOperations, resp.TopicAuthorizedOperations.Has(kmsg.ACLOperationWrite))
	// Output: Read, Describe false
}
