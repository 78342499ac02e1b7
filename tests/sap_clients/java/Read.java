import com.sap.cloud.sdk.cloudplatform.connectivity.DestinationAccessor;
import com.sap.cloud.sdk.cloudplatform.connectivity.Header;
import java.util.StringJoiner;

/**
 * SAP's Cloud SDK for Java reads destinations: {@code Read.java NAME…}. It prints for each what a
 * request to it would be made of.
 */
public class Read {
  public static void main(String[] names) {
    StringJoiner all = new StringJoiner(",", "[", "]");
    for (String name : names) {
      var destination = DestinationAccessor.getDestination(name).asHttp();
      String authorization = "";
      for (Header header : destination.getHeaders()) {
        if (header.getName().equalsIgnoreCase("Authorization")) {
          authorization = header.getValue();
        }
      }
      all.add("{\"url\":\"" + destination.getUri() + "\",\"authorization\":\"" + authorization + "\"}");
    }
    System.out.println(all);
  }
}
