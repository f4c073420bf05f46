import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Future;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Produces records with Kafka's own producer: into the topic by-java-CODEC, of one partition,
 * for each codec, plainly, and if the broker can do so idempotently, in transactions of which some
 * are aborted, and in several at the same time.
 *
 * Prints topic, offset, timestamp, key, value, headers and "committed" or "aborted", separated by
 * tabs; bytes in hex, "-" for null.
 *
 * Usage: java -cp 'lib/*' ProduceRecords.java BROKER CODECS FEATURES
 * with the codecs and what the broker has of "headers", "idempotence" and "transactions", each
 * separated by commas.
 */
public class ProduceRecords {
    static final long TIME = 1_700_000_000_000L;
    static final Random RANDOM = new Random(1);
    static String broker;
    static Set<String> features;
    static int counter;

    public static void main(String[] args) throws Exception {
        broker = args[0];
        features = Set.of(args[2].split(",", -1));
        for (String codec : args[1].split(",")) {
            String topic = "by-java-" + codec;
            try (KafkaProducer<byte[], byte[]> producer = producer(codec, false, null)) {
                print(send(producer, topic, 30), "committed");
            }
            if (features.contains("idempotence")) {
                try (KafkaProducer<byte[], byte[]> producer = producer(codec, true, null)) {
                    print(send(producer, topic, 30), "committed");
                }
            }
            if (features.contains("transactions")) {
                transactions(codec, topic);
            }
        }
    }

    /** Three producers whose transactions overlap; every other one is aborted. */
    static void transactions(String codec, String topic) throws Exception {
        List<KafkaProducer<byte[], byte[]>> producers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            producers.add(producer(codec, true, topic + "-" + i));
            producers.get(i).initTransactions();
        }
        Map<Integer, List<Sent>> open = new HashMap<>();
        for (int step = 0; step < 40; step++) {
            int i = step < 37 ? RANDOM.nextInt(3) : step - 37; // at the end, all end
            KafkaProducer<byte[], byte[]> producer = producers.get(i);
            List<Sent> sent = open.get(i);
            if (sent == null && step < 37) {
                producer.beginTransaction();
                open.put(i, send(producer, topic, 1 + RANDOM.nextInt(12)));
            } else if (sent != null && step < 37 && RANDOM.nextBoolean()) {
                sent.addAll(send(producer, topic, 1 + RANDOM.nextInt(12)));
            } else if (sent != null) {
                open.remove(i);
                if (step % 2 == 0) {
                    producer.commitTransaction();
                    print(sent, "committed");
                } else {
                    producer.abortTransaction();
                    print(sent, "aborted");
                }
            }
        }
        for (KafkaProducer<byte[], byte[]> producer : producers) {
            producer.close();
        }
    }

    static KafkaProducer<byte[], byte[]> producer(String codec, boolean idempotent, String transactionalId) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", broker);
        config.put("compression.type", codec);
        config.put("enable.idempotence", idempotent);
        config.put("acks", "all");
        config.put("linger.ms", 20);
        config.put("batch.size", 1000);
        if (transactionalId != null) {
            config.put("transactional.id", transactionalId);
        }
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static class Sent {
        ProducerRecord<byte[], byte[]> record;
        Future<RecordMetadata> metadata;
    }

    static List<Sent> send(KafkaProducer<byte[], byte[]> producer, String topic, int n) {
        List<Sent> all = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            List<Header> headers = new ArrayList<>();
            if (features.contains("headers") && counter % 3 == 0) {
                headers.add(new RecordHeader("number", ("" + counter).getBytes()));
                headers.add(new RecordHeader("null", (byte[]) null));
            }
            byte[] value = new byte[RANDOM.nextInt(200)];
            Arrays.fill(value, (byte) ('a' + counter % 26));
            Sent sent = new Sent();
            sent.record = new ProducerRecord<>(topic, 0, TIME + counter, counter % 5 == 0 ? null : ("key" + counter).getBytes(), counter % 7 == 0 ? null : value, headers);
            sent.metadata = producer.send(sent.record);
            all.add(sent);
            counter++;
        }
        producer.flush();
        return all;
    }

    static void print(List<Sent> all, String outcome) throws Exception {
        for (Sent sent : all) {
            RecordMetadata m = sent.metadata.get();
            StringBuilder headers = new StringBuilder();
            for (Header h : sent.record.headers()) {
                headers.append(hex(h.key().getBytes())).append('=').append(hex(h.value())).append(' ');
            }
            System.out.println(String.join("\t", m.topic(), "" + m.offset(), "" + m.timestamp(), hex(sent.record.key()), hex(sent.record.value()), headers.toString().trim(), outcome));
        }
    }

    static String hex(byte[] b) {
        return b == null ? "-" : "x" + HexFormat.of().formatHex(b);
    }
}
