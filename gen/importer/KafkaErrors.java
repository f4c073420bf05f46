import java.util.ArrayList;
import java.util.List;

import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;

/** Prints the error codes of a release: code, name, retriable, exception and the classes above it. */
public class KafkaErrors {
    public static void main(String[] args) {
        for (Errors e : Errors.values()) {
            List<String> classes = new ArrayList<>();
            Class<?> c = e.exception() == null ? null : e.exception().getClass();
            for (; c != null && c != ApiException.class && c != Object.class; c = c.getSuperclass()) {
                classes.add(c.getSimpleName());
            }
            boolean retriable = e.exception() instanceof RetriableException;
            System.out.println(e.code() + "\t" + e.name() + "\t" + retriable + "\t" + String.join(" ", classes));
        }
    }
}
