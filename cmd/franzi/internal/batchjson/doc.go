// Package batchjson shows record batches as JSON, with the names that Kafka's protocol has for
// their fields, and makes batches of such JSON.
//
// A batch of format 2:
//
//	{
//	  "baseOffset": 7, "batchLength": 73, "partitionLeaderEpoch": 0, "magic": 2,
//	  "crc": 1423984923, "isValid": true,
//	  "compression": "none", "timestampType": "CreateTime",
//	  "isTransactional": false, "isControl": false, "hasDeleteHorizonMs": false,
//	  "lastOffsetDelta": 0, "baseTimestamp": 1700000000000, "maxTimestamp": 1700000000000,
//	  "producerId": -1, "producerEpoch": -1, "baseSequence": -1, "recordsCount": 1,
//	  "records": [
//	    {"offset": 7, "timestamp": 1700000000000, "key": null, "value": "text",
//	     "headers": [{"key": "trace", "value": {"base64": "AQID/w=="}}]}
//	  ]
//	}
//
// Messages of the formats 0 and 1, each of which counts as a batch, have the fields that their
// format has. What is not UTF-8 is {"base64": "..."}; null and "" are not the same. Records of
// control batches have instead of key and value
//
//	"control": {"type": "COMMIT", "name": "EndTxnMarker", "version": 0, "message": {...}}
//
// unless that would lose something. Flags that Kafka does not use are shown as "attributes",
// all together.
//
// A batch that is wrong has an "error", and all of its bytes as "base64" beside what could be
// read; bytes that are no batch have only these. What the end cuts off is "partial", which is
// no error. So nothing is lost, but for how records were compressed, and for the timestamps that
// producers gave to records whose timestamps are the broker's (LogAppendTime).
//
// JSON made by hand needs no more than [{"records": [{"value": "text"}]}]: what is left out is
// none, -1 or 0, offsets go on one by one, and baseTimestamp, maxTimestamp and lastOffsetDelta
// follow from the records. Length, checksum and count always do.
package batchjson
