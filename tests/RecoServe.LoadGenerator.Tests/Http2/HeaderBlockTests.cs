using System.Text;
using Grpc.Core;
using RecoServe.LoadGenerator.Http2;

namespace RecoServe.LoadGenerator.Tests.Http2;

public sealed class HeaderBlockTests
{
    [Theory]
    [InlineData("\u0000\u000bgrpc-status\u00010", StatusCode.OK)]
    [InlineData("\u0000\u000bgrpc-status\u000214", StatusCode.Unavailable)]
    [InlineData("\u0000\u0017grpc-status-details-bin\u0002AA\u0000\u000bgrpc-status\u00018", StatusCode.ResourceExhausted)]
    [InlineData("\u0000\u0017grpc-status-details-bin\u0002AA", StatusCode.Unknown)]
    [InlineData("", StatusCode.Unknown)]
    public void GrpcStatus_Trailers_AreRead(string trailers, StatusCode status) =>
        Assert.Equal(status, HeaderBlock.GrpcStatus(Encoding.ASCII.GetBytes(trailers)));
}
