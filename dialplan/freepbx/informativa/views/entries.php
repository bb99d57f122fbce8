<?php
// License: GPL-3.0-or-later, see LICENSE.
// Gets $entries, rows of informativa_entries.
?>
<h2><?php echo _('As a destination') ?></h2>
<p><?php echo _('For calls that are to hear the notice further on, after a menu for instance. An inbound route needs none: it has the field.') ?></p>
<a class="btn btn-default" href="?display=informativa&amp;view=form"><i class="fa fa-plus"></i> <?php echo _('Add') ?></a>
<table class="table table-striped">
	<thead><tr><th><?php echo _('Description') ?></th><th><?php echo _('Line') ?></th><th><?php echo _('Destination') ?></th></tr></thead>
	<tbody>
<?php foreach ($entries as $entry) { ?>
		<tr>
			<td><a href="?display=informativa&amp;view=form&amp;extdisplay=<?php echo (int) $entry['id'] ?>"><?php echo htmlspecialchars($entry['description'], ENT_QUOTES, 'UTF-8') ?></a></td>
			<td><?php echo $entry['line'] === '' ? _('The number that was called') : htmlspecialchars($entry['line'], ENT_QUOTES, 'UTF-8') ?></td>
			<td><?php echo htmlspecialchars($entry['dest'], ENT_QUOTES, 'UTF-8') ?></td>
		</tr>
<?php } ?>
	</tbody>
</table>
