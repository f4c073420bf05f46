import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.KRaftVersionRecordJsonConverter;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.LeaderChangeMessageJsonConverter;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotFooterRecordJsonConverter;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecordJsonConverter;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.message.VotersRecordJsonConverter;
import org.apache.kafka.common.record.*;

/**
 * Makes and reads batches of all formats with Kafka's own classes, of 3.9 or later. From 4.2 on
 * most of them are in the package org.apache.kafka.common.record.internal: then the import has to
 * be added.
 *
 * Usage: java -cp 'lib/*' RecordBatches.java make
 * prints name, bytes in hex, and what Kafka reads in them (see describe), separated by tabs. The
 * bytes of names that begin with "down to" are what a broker makes of those on the line before
 * for older clients.
 *
 * Usage: java -cp 'lib/*' RecordBatches.java read
 * reads lines of name and hex, and prints name, hex and what Kafka reads in them, or "error" and
 * the error.
 */
public class RecordBatches {
    static final long TIME = 1_700_000_000_000L;
    static final TopicPartition PARTITION = new TopicPartition("topic", 0);

    public static void main(String[] args) throws Exception {
        if (args[0].equals("read")) {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line; (line = in.readLine()) != null;) {
                String[] fields = line.split("\t", -1);
                ByteBuffer bytes = ByteBuffer.wrap(HexFormat.of().parseHex(fields[1]));
                String text;
                try {
                    text = describe(MemoryRecords.readableRecords(bytes));
                } catch (Exception e) {
                    text = "error " + e;
                }
                System.out.println(fields[0] + "\t" + fields[1] + "\t" + text);
            }
            return;
        }
        for (byte magic = 0; magic <= 2; magic++) {
            for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
                if (codec.equals("zstd") && magic < 2) {
                    continue;
                }
                Compression compression = Compression.of(codec).build();
                for (TimestampType type : TimestampType.values()) {
                    if ((type == TimestampType.NO_TIMESTAMP_TYPE) != (magic == 0)) {
                        continue;
                    }
                    of(magic, codec, type, compression);
                }
                many(magic, codec, compression);
            }
        }
        producers();
        control();
        mixed();
    }

    /** All that one format, codec and timestamp type can be. */
    static void of(byte magic, String codec, TimestampType type, Compression compression) throws Exception {
        String name = "format " + magic + " " + codec + " " + type;
        MemoryRecords records = build(magic, compression, type, 100, few(magic));
        print(name, records);
        downConvert(records, magic);
        MemoryRecords compacted = filter(records, false, offset -> offset != 100 && offset != 102 && offset != 105);
        if (compacted.sizeInBytes() > 0) {
            print(name + ", compacted", compacted);
            downConvert(compacted, magic);
        }
        if (magic == 2) {
            print(name + ", emptied by compaction", filter(records, true, offset -> false));
        }
    }

    /** Many records, in which codecs and varints show what they can. */
    static void many(byte magic, String codec, Compression compression) throws Exception {
        Random random = new Random(magic);
        List<SimpleRecord> all = new ArrayList<>();
        for (int i = 0; i < 80; i++) {
            byte[] value = new byte[random.nextInt(i < 60 ? 30 : 300)];
            Arrays.fill(value, (byte) ('a' + i % 26));
            all.add(record(magic, TIME + random.nextInt(100_000) - 10_000, ("key" + random.nextInt(10)).getBytes(), value));
        }
        MemoryRecords records = build(magic, compression, magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME, 1L << 40, all);
        print("format " + magic + " " + codec + ", many records", records);
        downConvert(records, magic);
    }

    static List<SimpleRecord> few(byte magic) {
        return List.of(
            record(magic, TIME, "one".getBytes(), "first".getBytes(), new RecordHeader("trace", new byte[] {1, 2, 3})),
            record(magic, TIME + 3, null, "second".getBytes(), new RecordHeader("", new byte[0]), new RecordHeader("a", (byte[]) null), new RecordHeader("a", new byte[] {0})),
            record(magic, TIME - 5, "three".getBytes(), null),
            record(magic, TIME + 1_000_000, new byte[0], new byte[0], new RecordHeader("h\u00e9ader", new byte[70])),
            record(magic, TIME, null, null),
            record(magic, TIME + 2, "six".getBytes(), new byte[200]));
    }

    static SimpleRecord record(byte magic, long timestamp, byte[] key, byte[] value, Header... headers) {
        return new SimpleRecord(magic == 0 ? -1 : timestamp, key, value, magic < 2 ? new Header[0] : headers);
    }

    static MemoryRecords build(byte magic, Compression compression, TimestampType type, long offset, List<SimpleRecord> records) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(64), magic, compression, type, offset, TIME + 7, magic < 2 ? -1 : 5);
        for (SimpleRecord record : records) {
            builder.append(record);
        }
        return builder.build();
    }

    static void producers() throws Exception {
        SimpleRecord[] few = few((byte) 2).toArray(new SimpleRecord[0]);
        MemoryRecords idempotent = MemoryRecords.withIdempotentRecords(10L, Compression.NONE, 4711L, (short) 3, 77, 2, few);
        print("idempotent", idempotent);
        downConvert(idempotent, (byte) 2);
        MemoryRecords transactional = MemoryRecords.withTransactionalRecords(20L, Compression.snappy().build(), 4711L, (short) 3, Integer.MAX_VALUE - 1, 2, few);
        print("transactional, the sequence wraps", transactional);
        downConvert(transactional, (byte) 2);
        print("transactional, compacted", filter(transactional, true, offset -> offset == 21));
        print("transactional, emptied by compaction", filter(transactional, true, offset -> false));
    }

    static void control() throws Exception {
        for (ControlRecordType type : new ControlRecordType[] {ControlRecordType.ABORT, ControlRecordType.COMMIT}) {
            MemoryRecords marker = MemoryRecords.withEndTransactionMarker(30L, TIME, 2, 4711L, (short) 3, new EndTransactionMarker(type, 9));
            print(type + " marker", marker);
            print(type + " marker, emptied by compaction", filter(marker, true, offset -> false));
        }
        print("leader change", MemoryRecords.withLeaderChangeMessage(40L, TIME, 5, ByteBuffer.allocate(1000), new LeaderChangeMessage()
            .setLeaderId(3)
            .setVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1), new LeaderChangeMessage.Voter().setVoterId(3)))
            .setGrantingVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(3)))));
        print("snapshot header", MemoryRecords.withSnapshotHeaderRecord(0L, TIME, 5, ByteBuffer.allocate(1000), new SnapshotHeaderRecord().setLastContainedLogTimestamp(TIME - 1)));
        print("snapshot footer", MemoryRecords.withSnapshotFooterRecord(50L, TIME, 5, ByteBuffer.allocate(1000), new SnapshotFooterRecord()));
        print("KRaft version", MemoryRecords.withKRaftVersionRecord(1L, TIME, 5, ByteBuffer.allocate(1000), new KRaftVersionRecord().setKRaftVersion((short) 1)));
        VotersRecord.EndpointCollection endpoints = new VotersRecord.EndpointCollection();
        endpoints.add(new VotersRecord.Endpoint().setName("CONTROLLER").setHost("localhost").setPort(9093));
        print("voters", MemoryRecords.withVotersRecord(2L, TIME, 5, ByteBuffer.allocate(1000), new VotersRecord().setVoters(List.of(
            new VotersRecord.Voter().setVoterId(1).setVoterDirectoryId(new Uuid(1, 2)).setEndpoints(endpoints)
                .setKRaftVersionFeature(new VotersRecord.KRaftVersionFeature().setMinSupportedVersion((short) 0).setMaxSupportedVersion((short) 1))))));
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(ByteBuffer.allocate(1000), (byte) 2, Compression.NONE, TimestampType.CREATE_TIME,
            0, TIME, -1, (short) -1, -1, false, true, 1, 1000);
        builder.appendLeaderChangeMessage(TIME, new LeaderChangeMessage().setLeaderId(1));
        builder.appendKRaftVersionMessage(TIME, new KRaftVersionRecord().setKRaftVersion((short) 1));
        builder.appendVotersMessage(TIME, new VotersRecord());
        print("several control records", builder.build());
    }

    /** A log that was upgraded, as an answer to Fetch that ends in the middle of a batch. */
    static void mixed() throws Exception {
        ByteBuffer log = ByteBuffer.allocate(10_000);
        for (byte magic = 0; magic <= 2; magic++) {
            log.put(build(magic, Compression.NONE, magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.LOG_APPEND_TIME, 100 * magic, few(magic)).buffer());
            log.put(build(magic, Compression.gzip().build(), magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME, 100 * magic + 50, few(magic)).buffer());
        }
        log.flip();
        print("all formats", MemoryRecords.readableRecords(log.duplicate()));
        log.limit(log.limit() - 1);
        print("all formats, the last batch cut off", MemoryRecords.readableRecords(log));
    }

    interface Keep {
        boolean keep(long offset);
    }

    /** What the log's cleaner leaves, which sets a delete horizon where there are tombstones. */
    static MemoryRecords filter(MemoryRecords records, boolean retainEmpty, Keep keep) throws Exception {
        ByteBuffer out = ByteBuffer.allocate(records.sizeInBytes() + 1000);
        MemoryRecords.RecordFilter filter = new MemoryRecords.RecordFilter(TIME, 1000) {
            @Override protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                return new BatchRetentionResult(retainEmpty ? BatchRetention.RETAIN_EMPTY : BatchRetention.DELETE_EMPTY, false);
            }

            @Override protected boolean shouldRetainRecord(RecordBatch batch, org.apache.kafka.common.record.Record record) {
                return keep.keep(record.offset());
            }
        };
        Method filterTo = method("filterTo");
        Object[] arguments = new Object[filterTo.getParameterCount()];
        for (int i = 0; i < arguments.length; i++) {
            Class<?> type = filterTo.getParameterTypes()[i];
            if (type == int.class) {
                arguments[i] = Integer.MAX_VALUE;
            } else if (type.getSimpleName().equals("BufferSupplier")) {
                arguments[i] = type.getField("NO_CACHING").get(null);
            } else {
                for (Object o : new Object[] {PARTITION, filter, out}) {
                    if (type.isInstance(o)) {
                        arguments[i] = o;
                    }
                }
            }
        }
        Object result = filterTo.invoke(records, arguments);
        ByteBuffer left = ((MemoryRecords.FilterResult) result).outputBuffer();
        left.flip();
        return MemoryRecords.readableRecords(left);
    }

    /** Brokers before 4.0 made older formats of newer ones. */
    static void downConvert(MemoryRecords records, byte from) throws Exception {
        Method convert = method("downConvert");
        for (byte to = 0; convert != null && to < from; to++) {
            try {
                Object converted = convert.invoke(records, to, 0L, convert.getParameterTypes()[2].getField("SYSTEM").get(null));
                MemoryRecords out = (MemoryRecords) converted.getClass().getMethod("records").invoke(converted);
                print("down to " + to, out);
            } catch (java.lang.reflect.InvocationTargetException e) {
                System.out.println("down to " + to + "\t\terror " + e.getCause().getClass().getSimpleName());
            }
        }
    }

    static Method method(String name) {
        for (Method m : MemoryRecords.class.getMethods()) {
            if (m.getName().equals(name)) {
                return m;
            }
        }
        return null;
    }

    static void print(String name, MemoryRecords records) throws Exception {
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        System.out.println(name + "\t" + HexFormat.of().formatHex(bytes) + "\t" + describe(records));
    }

    /**
     * What is in batches and records: " / " before each batch, " | " before each record, bytes in
     * hex, "-" for null.
     */
    static String describe(MemoryRecords records) throws Exception {
        StringBuilder s = new StringBuilder();
        for (RecordBatch batch : records.batches()) {
            batch.ensureValid();
            s.append(String.format("/ magic=%d offsets=%s-%d epoch=%d codec=%s timestamps=%s max=%d producer=%d/%d/%d count=%s transactional=%b control=%b horizon=%s size=%d crc=%08x ",
                batch.magic(), batch.magic() < 2 ? "" : batch.baseOffset(), batch.lastOffset(), batch.partitionLeaderEpoch(), batch.compressionType().name, batch.timestampType(), batch.maxTimestamp(),
                batch.producerId(), batch.producerEpoch(), batch.baseSequence(), batch.countOrNull() == null ? "-" : batch.countOrNull(),
                batch.isTransactional(), batch.isControlBatch(), batch.deleteHorizonMs().isPresent() ? batch.deleteHorizonMs().getAsLong() : "-", batch.sizeInBytes(), batch.checksum()));
            for (var record : batch) {
                record.ensureValid();
                s.append("| ").append(record.offset()).append(' ').append(record.timestamp()).append(' ').append(hex(record.key())).append(' ').append(hex(record.value())).append(' ');
                for (Header h : record.headers()) {
                    s.append(hex(ByteBuffer.wrap(h.key().getBytes(StandardCharsets.UTF_8)))).append('=').append(hex(h.value() == null ? null : ByteBuffer.wrap(h.value()))).append(' ');
                }
                if (batch.isControlBatch()) {
                    s.append(control(record)).append(' ');
                }
            }
        }
        return s.toString().trim();
    }

    static String control(org.apache.kafka.common.record.Record record) {
        ControlRecordType type = ControlRecordType.parse(record.key());
        short v = 0;
        switch (type) {
            case ABORT:
            case COMMIT:
                return type + " {\"coordinatorEpoch\":" + EndTransactionMarker.deserialize(record).coordinatorEpoch() + "}";
            case LEADER_CHANGE:
                return type + " " + LeaderChangeMessageJsonConverter.write(ControlRecordUtils.deserializeLeaderChangeMessage(record), v);
            case SNAPSHOT_HEADER:
                return type + " " + SnapshotHeaderRecordJsonConverter.write(ControlRecordUtils.deserializeSnapshotHeaderRecord(record), v);
            case SNAPSHOT_FOOTER:
                return type + " " + SnapshotFooterRecordJsonConverter.write(ControlRecordUtils.deserializeSnapshotFooterRecord(record), v);
            case KRAFT_VERSION:
                return type + " " + KRaftVersionRecordJsonConverter.write(ControlRecordUtils.deserializeKRaftVersionRecord(record), v);
            case KRAFT_VOTERS:
                return type + " " + VotersRecordJsonConverter.write(ControlRecordUtils.deserializeVotersRecord(record), v);
            default:
                return type.toString();
        }
    }

    static String hex(ByteBuffer buffer) {
        if (buffer == null) {
            return "-";
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return "x" + HexFormat.of().formatHex(bytes);
    }
}
