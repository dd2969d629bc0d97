using System.ComponentModel.DataAnnotations;
using System.Net;

namespace RecoServe.Server;

/// <summary>The text is an IP address.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class IPAddressAttribute() : ValidationAttribute("must be an IP address")
{
    public override bool IsValid(object? value) => IPAddress.TryParse(value as string, out _);
}
